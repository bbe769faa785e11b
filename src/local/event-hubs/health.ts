import { createServer, type Server } from 'node:http';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { ByteStream } from './amqp/batched-socket.ts';

const HEALTHY = '{"status":"healthy","message":"Service is healthy."}';

/** `GET /health` as the official emulator answers it, and AMQP over WebSockets on every path that asks for an upgrade. */
export function createHealthServer(onStream: (stream: ByteStream) => void): Server {
  const http = createServer((request, response) => {
    const isHealth = request.url?.split('?')[0] === '/health';
    response.writeHead(isHealth ? 200 : 404, { 'content-type': 'application/json' });
    response.end(isHealth ? HEALTHY : '{"message":"There is /health, and AMQP over WebSockets."}');
  });
  const sockets = new WebSocketServer({
    server: http,
    handleProtocols: offered => offered.has('AMQPWSB10') && 'AMQPWSB10',
  });
  sockets.on('connection', socket => onStream(createWebSocketStream(socket)));
  sockets.on('error', () => {}); // the HTTP server's errors, which its own listeners have
  return http;
}
