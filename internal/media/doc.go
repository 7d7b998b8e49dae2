// Package media carries the sound of telephone calls: G.711 over RTP to trunks and desk phones, over SRTP to browsers.
//
// A [Leg] is one side of a call. [Bridge] joins two of them and lets each be replaced while the other lives on, so that an
// agent's reloaded tab comes back into a running call. Payloads are passed through untouched; only when one side speaks
// A-law and the other µ-law are they converted, byte by byte, by a table. Nothing is mixed or decoded.
package media
