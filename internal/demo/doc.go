// Package demo is what `ringmaster demo` shows: a whole node with everything embedded, a campaign of invented people, twenty
// agents who work it, a small CRM that is told of it, and a page that shows all of them at once.
//
// Nothing of the product is short-circuited here. The agents are Socket.IO clients of the real gateway, the CRM knows only
// what signed webhooks tell it, and a visitor who takes an agent over does so at the same desk that agents use.
package demo
