package socketio

const nodeProcessEnv = "SOCKETIO_TEST_NODE"

func nodeProcess() {}
