// SPDX-License-Identifier: Apache-2.0
// client.js PORT CA LIMIT: up to that version of TLS, unless it is empty, two
// connections, the second of which may resume; prints what comes back.
'use strict';
const fs = require('fs');
const tls = require('tls');

const [port, ca, limit] = process.argv.slice(2);

function visit(session, then) {
    let kept = session;
    const socket = tls.connect({
        host: '127.0.0.1', port: Number(port), servername: 'localhost', ca: fs.readFileSync(ca),
        session, maxVersion: limit ? `TLSv${limit}` : undefined,
    }, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.on('session', (fresh) => { kept = fresh; });
    socket.on('data', (data) => process.stdout.write(data));
    socket.on('end', () => socket.end());
    socket.on('close', () => then(kept));
    socket.on('error', (error) => { console.error(error); process.exitCode = 1; });
}

visit(undefined, (session) => visit(session, () => {}));
