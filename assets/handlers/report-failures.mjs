// Works record by record and reports the first one that fails, so that only the rest is tried
// again. The trigger has to have "Report batch item failures" on.
export const handler = async (event) => {
  for (const record of event.Records) {
    try {
      await work(record);
    } catch (error) {
      console.error(`${record.eventID}: ${error.message}`);
      const failed = record.dynamodb.SequenceNumber;
      return { batchItemFailures: [{ itemIdentifier: failed }] };
    }
  }
  return { batchItemFailures: [] };
};

async function work(record) {
  if (record.eventName === 'REMOVE') {
    return;
  }
  console.log(JSON.stringify(record.dynamodb.NewImage ?? record.dynamodb.Keys));
}
