// Package sipua is our own telephony: agents' phones register here, customers are reached over SIP trunks, both legs are
// bridged and recorded. It implements [dialer.PhoneNetwork] under the name "sip".
//
// The way of a call through the files: [Network.Place] makes a call (call.go), which rings the agent's phone (agent.go),
// picks a trunk (trunk.go, trunk_state.go), dials the customer (customer.go), and lets both talk (talk.go) over package media.
// Each side is a leg (leg.go): a SIP dialog (dialog.go, indialog.go) and its sound. Transactions and transports are
// sipgo's; dialogs are ours, because a dialer must know exactly what left for a customer's phone, and when: messages are
// seen in the order of the wire, a CANCEL that crosses an answer hangs up, and nothing is sent after the self-fence refused.
//
// Phones come in by the registrar (registrar.go): browsers over WebSocket (ws.go) with passwords derived from a secret,
// desk phones over UDP and TCP with stored HA1.
package sipua
