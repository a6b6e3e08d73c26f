// SPDX-License-Identifier: Apache-2.0
// server.js CHAIN KEY LIMIT: up to that version of TLS, unless it is empty, an
// echo server that prints its port.
'use strict';
const fs = require('fs');
const tls = require('tls');

const [chain, key, limit] = process.argv.slice(2);
const server = tls.createServer({
    cert: fs.readFileSync(chain), key: fs.readFileSync(key),
    maxVersion: limit ? `TLSv${limit}` : undefined,
}, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
