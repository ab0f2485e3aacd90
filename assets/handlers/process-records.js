// Logs every change that a DynamoDB stream brings.
exports.handler = async (event) => {
  for (const record of event.Records) {
    console.log(record.eventID);
    console.log(record.eventName);
    console.log(`DynamoDB Record: ${JSON.stringify(record.dynamodb)}`);
  }
};
