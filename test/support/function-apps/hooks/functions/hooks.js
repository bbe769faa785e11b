// CommonJS, as older apps are written.
const { app } = require('@azure/functions');

app.hook.appStart(() => console.log('HOOK start'));
app.hook.appTerminate(() => console.log('HOOK terminate'));
app.hook.preInvocation(context => {
  context.hookData.seen = context.invocationContext.functionName;
  const { functionHandler } = context;
  context.functionHandler = async (...args) => ({ body: `wrapped ${(await functionHandler(...args)).body}` });
});
app.hook.postInvocation(context => console.log(`HOOK after ${context.hookData.seen} ${context.result.body}`));
app.hook.log(context => {
  context.message = context.message.replace('secret', '***');
});

app.warmup('warm', { handler: () => console.log('WARM') });

app.get('hello', (_, context) => {
  context.log('a secret');
  return { body: 'hello' };
});
