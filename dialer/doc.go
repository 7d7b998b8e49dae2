// Package dialer is the corridor: one attempt's way from the permit to the event.
//
// A pacer plans attempts for agents who are free, a contact task wakes a worker, the worker claims an agent and the attempt
// and hands both to the call supervisor. There every call, ours or another system's, is a course: a pure function says what
// follows when something happens (course.go, its table in arrows.go), call.go does it, and outbox.go has the record hear of it. A
// customer's phone rings at most once an attempt, because every step is a conditional change in the system of record; Asynq's
// tasks are only wake-ups. docs/attempts.md has the picture, docs/architecture.md walks one call through the files.
//
// [Dialer] is one node's part of it, [Desk] takes the agents' orders. Phone networks are behind [PhoneNetwork]: dialer/sipua
// (our own telephony), dialer/mediatel (an existing Mediatel) and dialer/simulated.
package dialer
