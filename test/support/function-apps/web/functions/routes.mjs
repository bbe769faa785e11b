import { app } from '@azure/functions';

if (process.env.STREAM) app.setup({ enableHttpStream: true });

app.http('infer', {
  route: 'v2/models/{name}/versions/{version}/infer',
  methods: ['POST'],
  handler: async (request, context) => {
    context.log(`asked for ${request.params.name}`);
    return {
      status: 201,
      headers: { 'x-version': request.params.version },
      cookies: [{ name: 'seen', value: 'yes', path: '/', httpOnly: true }],
      jsonBody: {
        name: request.params.name,
        query: request.query.get('q'),
        ...(request.query.has('x') && { x: request.query.get('x'), header: request.headers.get('x-twice') }),
        text: await request.text(),
        type: request.headers.get('content-type'),
      },
    };
  },
});

app.http('model', {
  route: 'v2/models/{name}',
  methods: ['GET'],
  handler: request => ({ body: `model ${request.params.name}` }),
});
app.http('broken', {
  methods: ['GET'],
  handler: () => {
    throw new Error('broken on purpose');
  },
});
app.http('slowly', {
  methods: ['GET'],
  handler: () => ({
    body: new ReadableStream({
      async start(stream) {
        for (const part of ['one ', 'two ', 'three']) {
          stream.enqueue(Buffer.from(part));
          await new Promise(next => setTimeout(next, 100));
        }
        stream.close();
      },
    }),
  }),
});
app.http('waits', {
  methods: ['GET'],
  handler: async (_, context) => {
    context.log('it waits');
    await new Promise(resolve => process.once('SIGTERM', () => setTimeout(resolve, 500)));
    return { body: 'answered' };
  },
});
app.timer('tick', {
  schedule: '%TICK%',
  runOnStartup: false,
  handler: (timer, context) => context.log(`tick past due ${timer.isPastDue} next ${timer.scheduleStatus?.next}`),
});
