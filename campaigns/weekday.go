package campaigns

import (
	"strconv"
	"strings"
)

// sundays writes Sunday as 0 in a cron expression's last field, where crontab(5) knows it as 7 too and the library does not.
func sundays(expr string) string {
	fields := strings.Fields(expr)
	if len(fields) != 5 || !strings.Contains(fields[4], "7") {
		return expr
	}
	var days []string
	for part := range strings.SplitSeq(fields[4], ",") {
		days = append(days, sunday(part))
	}
	fields[4] = strings.Join(days, ",")
	return strings.Join(fields, " ")
}

// sunday is one part: a day, or a range, with or without a step.
func sunday(part string) string {
	span, step, stepped := strings.Cut(part, "/")
	from, to, isRange := strings.Cut(span, "-")
	switch {
	case span == "7" && !stepped, isRange && from == "7" && to == "7":
		return "0"
	case !isRange || to != "7":
		return part
	}
	first, err := strconv.Atoi(from)
	every := 1
	if stepped {
		if n, err := strconv.Atoi(step); err == nil && n > 0 {
			every = n
		}
	}
	if err != nil || first < 0 || first > 6 {
		return part
	}
	var days []string
	for day := first; day <= 7; day += every {
		days = append(days, strconv.Itoa(day%7))
	}
	return strings.Join(days, ",")
}
