package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/creditorro/ringmaster/campaigns"
	"github.com/creditorro/ringmaster/internal/config"
	"github.com/creditorro/ringmaster/internal/phrasebook"
	"github.com/creditorro/ringmaster/internal/store"
)

// Explain answers the question that supervisors ask most.
type Explain struct {
	ConfigFlags
	LanguageFlag
	Contact string    `arg:"" help:"Number of the contact; with --crm-id, the CRM's id of the person."`
	CRMID   bool      `name:"crm-id" help:"CONTACT is the CRM's id: every campaign that has the person is explained."`
	At      time.Time `placeholder:"TIME" help:"As of another moment, such as 2026-03-01T09:00:00+02:00 (default: now)."`
	JSON    bool      `name:"json" help:"As JSON, one contact a line."`
}

// Run explains each contact that is meant. A contact who may not be called is an answer, not a failure: exit code 0.
func (e Explain) Run(ctx context.Context, c Console) error {
	say, err := e.Book()
	if err != nil {
		return err
	}
	return e.withRecord(ctx, c, func(_ *config.Config, s *store.Store) error {
		if e.At.IsZero() {
			e.At = recordNow(ctx, s)
		}
		contacts, err := e.contacts(ctx, s)
		if err != nil {
			return err
		}
		for _, id := range contacts {
			question, err := s.Contacts.Question(ctx, id, e.At)
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("there is no contact %d", id)
			}
			if err != nil {
				return err
			}
			explanation := campaigns.Explain(question)
			if e.JSON {
				err = json.NewEncoder(c.Out).Encode(explanationJSON(say, question, explanation))
			} else {
				err = writeExplanation(c.Out, say, question, explanation)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (e Explain) contacts(ctx context.Context, s *store.Store) ([]int64, error) {
	if !e.CRMID {
		var id int64
		if _, err := fmt.Sscanf(e.Contact, "%d", &id); err != nil || fmt.Sprint(id) != e.Contact {
			return nil, config.Errorf("contact %q: want its number; with --crm-id, the CRM's id", e.Contact)
		}
		return []int64{id}, nil
	}
	var found []int64
	const page = 500
	for after := int64(0); ; {
		list, err := s.Campaigns.Campaigns(ctx, after, page)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			after = c.ID
			contacts, err := s.Contacts.Contacts(ctx, c.ID, "", e.Contact, 0, page)
			if err != nil {
				return nil, err
			}
			for _, contact := range contacts {
				found = append(found, contact.ID)
			}
		}
		if len(list) < page {
			break
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no campaign has a contact with the CRM's id %q", e.Contact)
	}
	return found, nil
}

// writeExplanation writes each gate with its verdict, and the answer last.
func writeExplanation(w io.Writer, say *phrasebook.Book, q campaigns.Question, e campaigns.Explanation) error {
	fmt.Fprintf(w, "%s:\n", say.Say(q.Heading()))
	for _, gate := range e.Gates {
		mark := say.Say(gate.Mark())
		if !gate.Pass {
			mark = strings.ToUpper(mark)
		}
		fmt.Fprintf(w, "  %-9s %-18s %s", mark, gate.Rule, say.Say(gate.Reason))
		if origin := say.Say(gate.Origin()); !gate.Pass && origin != "" {
			fmt.Fprintf(w, " [%s]", origin)
		}
		if from := say.Say(gate.From()); from != "" {
			fmt.Fprintf(w, "; %s", from)
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, say.Sentence(e.Answer()))
	return err
}

// explanationJSON is the same for programs; the API's answer has the same shape.
func explanationJSON(say *phrasebook.Book, q campaigns.Question, e campaigns.Explanation) any {
	type gate struct {
		Rule   string          `json:"rule"`
		Pass   bool            `json:"pass"`
		Key    string          `json:"key"`
		Args   json.RawMessage `json:"args,omitempty"`
		Text   string          `json:"text"`
		Reason string          `json:"reason"`
		Source string          `json:"source,omitempty"`
		Hard   bool            `json:"hard"`
		Next   time.Time       `json:"next,omitzero"`
		Until  time.Time       `json:"until,omitzero"`
	}
	gates := make([]gate, len(e.Gates))
	for i, g := range e.Gates {
		text := say.Say(g.Reason)
		gates[i] = gate{g.Rule, g.Pass, g.Reason.Key(), g.Reason.Args(), text, text, say.Say(g.Origin()), g.Hard, g.Next, g.Until}
	}
	return struct {
		Contact  int64     `json:"contact_id"`
		Campaign int64     `json:"campaign_id"`
		Permit   bool      `json:"permit"`
		NextAt   time.Time `json:"next_eligible_at,omitzero"`
		Gates    []gate    `json:"gates"`
	}{q.Contact.ID, q.Campaign.ID, e.Permit, e.NextAt, gates}
}
