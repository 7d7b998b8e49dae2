// Package recording keeps what was said: one stereo WAV file a call, the agent on the left, the customer on the right.
//
// A [Recorder] writes the file as the call goes on and keeps its header true, so that a killed process leaves a playable
// file up to its last second. A [Library] knows where files are, on this machine and in an S3-compatible store: the path
// of a recording follows from its calltraceid alone, nothing is looked up. The way to the store is an Asynq task.
package recording
