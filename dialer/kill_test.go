package dialer_test

const childVariable = "RINGMASTER_KILL_CHILD"

func childMain() {}
