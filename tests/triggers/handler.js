// What every function of the facts begins with: it logs its event, so that the tests see what it got.
'use strict';

const ids = (event) => event.Records.map((it) => it.dynamodb.Keys.id.S);
const number = (event, id) =>
  event.Records.find((it) => it.dynamodb.Keys.id.S === id)?.dynamodb.SequenceNumber;

exports.handler = async (event, context) => {
  const text = JSON.stringify(event);
  // A line of the log holds no megabyte.
  console.log(`SEEN ${text.length < 100000 ? text : JSON.stringify({ ...event, state: 'large' })}`);
  return handler(event, context);
};
