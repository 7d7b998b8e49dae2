// Package dialer is the corridor: one attempt's way from the permit to the event.
//
// A pacer plans attempts, a contact task wakes a worker, [Worker] claims the attempt and an agent, and Run reads top to
// bottom like the life of a call: self-fence, place, follow, close. A phone rings at most once an attempt, because
// every step is a conditional change in the system of record and Asynq's tasks are only wake-ups.
//
// Phone networks are behind [PhoneNetwork]: dialer/sipua (our own telephony), dialer/mediatel (an existing Mediatel) and
// dialer/simulated.
package dialer
