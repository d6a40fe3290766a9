// `event.error` loses the number: the binding passes on only the text of rd_kafka_err2str (confluent-kafka-javascript 1.10, callbacks.cc).
const numberByText: Readonly<Record<string, number>> = {
  'broker transport failure': -195,
  'host resolution failure': -193,
  'all broker connections are down': -187,
  'ssl error': -181,
  'authentication failure': -169,
  'fatal error': -150,
}

/** The number behind the text of a background error, -1 where the text says no more. */
export function numberOfErrorText(text: string): number {
  const lowered = text.toLowerCase()
  return Object.entries(numberByText).find(([known]) => lowered.includes(known))?.[1] ?? -1
}
