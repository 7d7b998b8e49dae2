// Package field has the reasons why a value that somebody sent cannot be accepted: what the HTTP API, campaigns and webhooks say
// alike. Where the value stands is told beside the reason, so a reason names no field but those that are missing.
package field

import (
	"time"

	"github.com/creditorro/ringmaster/internal/reason"
)

// What has no arguments.
var (
	Missing    = reason.Plain("field.missing")
	Unexpected = reason.Plain("field.unexpected")
	Parameter  = reason.Plain("field.unknown_parameter")
	Unreadable = reason.Plain("field.unreadable")
	NotJSON    = reason.Plain("field.not_json")
	Boolean    = reason.Plain("field.boolean")
	Number     = reason.Plain("field.number")
	Integer    = reason.Plain("field.integer")
	Text       = reason.Plain("field.text")
	List       = reason.Plain("field.list")
	Object     = reason.Plain("field.object")
	Moment     = reason.Plain("field.moment")
	Date       = reason.Plain("field.date")
	TimeOfDay  = reason.Plain("field.time_of_day")
	Duration   = reason.Plain("field.duration")
	Format     = reason.Plain("field.format")
	Shape      = reason.Plain("field.shape")
	Unique     = reason.Plain("field.unique")
	OnlyOne    = reason.Plain("field.only_one")
	NoControl  = reason.Plain("field.no_control_characters")
	NoBlanks   = reason.Plain("field.no_blanks_at_ends")
	Zone       = reason.Plain("field.time_zone")
	Region     = reason.Plain("field.region")
)

// What has.
var (
	Property   = reason.With1[string]("field.property_missing", "name")
	With       = reason.With2[string, string]("field.property_missing_with", "name", "other")
	OneOf      = reason.With1[[]string]("field.one_of", "values")
	AtLeast    = reason.With1[int]("field.at_least", "least")
	AtMost     = reason.With1[int]("field.at_most", "most")
	Above      = reason.With1[int]("field.above", "least")
	Below      = reason.With1[int]("field.below", "most")
	MultipleOf = reason.With1[int]("field.multiple_of", "number")
	Between    = reason.With2[int, int]("field.between", "least", "most")
	Lasts      = reason.With2[time.Duration, time.Duration]("field.lasts", "least", "most")
	LastsLeast = reason.With1[time.Duration]("field.lasts_at_least", "least")
	Length     = reason.With2[int, int]("field.length", "least", "most")
	Bytes      = reason.With2[int, int]("field.bytes", "least", "most")
	MinLength  = reason.With1[int]("field.min_length", "count")
	MaxLength  = reason.With1[int]("field.max_length", "count")
	MinItems   = reason.With1[int]("field.min_items", "count")
	MaxItems   = reason.With1[int]("field.max_items", "count")
	MinFields  = reason.With1[int]("field.min_properties", "count")
	MaxFields  = reason.With1[int]("field.max_properties", "count")
	Pattern    = reason.With1[string]("field.pattern", "pattern")
)
