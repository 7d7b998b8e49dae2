package doctor

import "syscall"

// clockSynchronised asks the kernel whether something keeps its clock (adjtimex(2)).
func clockSynchronised() (synchronised, known bool) {
	const timeError = 5 // TIME_ERROR
	state, err := syscall.Adjtimex(&syscall.Timex{})
	return state != timeError, err == nil
}
