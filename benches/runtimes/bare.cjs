// The bare loop of the Runtime API in JavaScript: nothing but Node's own modules.
const http = require('node:http');
const { handler } = require('./index.js');

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const ask = (method, path, body) =>
  new Promise((resolve, reject) => {
    const request = http.request({ host, port, agent, method, path: `/2018-06-01/runtime/${path}` }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });

(async () => {
  for (;;) {
    const event = await ask('GET', 'invocation/next');
    const answer = await handler(JSON.parse(event.body));
    await ask('POST', `invocation/${event.headers['lambda-runtime-aws-request-id']}/response`, JSON.stringify(answer));
  }
})();
