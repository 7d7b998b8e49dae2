// An S3-compatible server on a free port, with one bucket: node server.mjs FOLDER.
import S3rver from 's3rver';

const server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: process.argv[2], configureBuckets: [{ name: 'calls' }] });
const { port } = await server.run();
console.log(port);
process.stdin.on('end', () => process.exit(0)).resume();
