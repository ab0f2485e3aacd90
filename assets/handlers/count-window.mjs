// Counts changes over a tumbling window. The trigger has to have a tumbling window duration.
export const handler = async (event) => {
  const state = { count: 0, ...event.state };
  for (const record of event.Records) {
    state.count += 1;
    state[record.eventName] = (state[record.eventName] ?? 0) + 1;
  }
  if (event.isFinalInvokeForWindow) {
    console.log(`${event.window.start} to ${event.window.end}: ${JSON.stringify(state)}`);
  }
  return { state };
};
