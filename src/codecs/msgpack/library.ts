/** A file of its own, loaded where the first event comes: of a CommonJS package that is imported so itself a bundler gives the default alone. */
export { decode } from '@msgpack/msgpack';
