// What calls may come to, in the order in which they are shown.
export const outcomes = ["answered", "busy", "no_answer", "rejected", "invalid_number", "congestion", "agent_no_answer", "agent_gave_up", "abandoned", "answering_machine", "unknown"];
