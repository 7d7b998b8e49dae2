package campaigns

import (
	"fmt"
	"time"

	"github.com/creditorro/ringmaster/internal/reason/field"
)

// next checks what says who is called next, and again.
func (v *validation) next(c *Campaign) {
	if c.Order.By != "" {
		v.oneOf("order.by", string(c.Order.By), string(Oldest), string(Newest), string(Random), string(Alternating), string(ByField),
			string(ByScore))
	}
	v.text("order.field", c.Order.Field, 0, 100)
	if (c.Order.By == ByField || c.Order.By == ByScore) && c.Order.Field == "" {
		v.bad("order.field", field.With("field", string(c.Order.By)))
	}
	r := c.Callbacks
	v.between("callbacks.tries", r.Tries, 0, 20)
	v.lasts("callbacks.again", r.Again, 0, day)
	v.lasts("callbacks.window", r.Window, 0, 7*day)
	v.lasts("callbacks.fallback", r.Fallback, 0, 7*day)
	if c.Sticky.Mode != "" {
		v.oneOf("sticky.mode", string(c.Sticky.Mode), string(Prefer), string(Require))
	}
	v.lasts("sticky.for", c.Sticky.For, 0, 7*day)
	if c.Sticky.Mode == Require && c.Sticky.For < time.Minute {
		v.lasts("sticky.for", c.Sticky.For, time.Minute, 7*day)
	}
	if c.Preview != 0 {
		v.lasts("preview", c.Preview, 10*time.Second, time.Hour)
	}
	v.text("skill_field", c.SkillField, 0, 100)
	v.between("quota", c.Quota, 0, 100_000)
	v.between("phone_tries", c.PhoneTries, 0, 100)
	if len(c.PhoneOrder) > 20 {
		v.bad("phone_order", field.MaxItems(20))
	}
	for i, label := range c.PhoneOrder {
		v.text(fmt.Sprintf("phone_order[%d]", i), label, 1, 100)
	}
}

// growth checks by how much a delay grows each time.
func (v *validation) growth(where string, growth float64) {
	if growth != 0 && (growth < 1 || growth > 100) { // NaN is neither, and JSON has none
		v.bad(where, field.Between(1, 100))
	}
}
