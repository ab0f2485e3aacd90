// Bills orders as they change: adds up the items and logs one line per record.
export const handler = async (event) => {
  let billed = 0;
  for (const record of event.Records) {
    const { customer, order, status, items } = record.dynamodb.NewImage;

    // An item of an order looks like this in DynamoDB's JSON:
    // { "M": { "sku": { "S": "TEA-02" }, "qty": { "N": "2" }, "price": { "N": "4.20" } } }
    let total = 0;
    for (const { M: item } of items.L) {
      // Numbers arrive as text, so that no digit gets lost.
      const price = Number(item.price.N);

      const qty = Number(item.qty.N);
      total += qty * price;
    }

    billed += total;
    console.log(
      `${record.eventName} ${customer.S} ${order.S} ${status.S} ${total.toFixed(2)}`,
    );
  }
  return `billed ${billed.toFixed(2)} for ${event.Records.length} records`;
};
