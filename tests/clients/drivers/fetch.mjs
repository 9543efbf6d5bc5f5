// Node's own fetch, with chat completions, as a program without a library would use it.
import { createInterface } from 'node:readline'

const TOOL = {
  type: 'function',
  function: {
    name: 'look_up',
    description: 'Look a word up.',
    parameters: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
  },
}

async function post(ask, body) {
  const response = await fetch(`${ask.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ask.key}` },
    body: JSON.stringify({ model: ask.model, ...body }),
  })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return response
}

async function message(ask, messages, tools) {
  return (await (await post(ask, { messages, tools })).json()).choices[0].message
}

async function streamed(ask, messages) {
  const response = await post(ask, { messages, stream: true })
  let text = ''
  let rest = ''
  const words = new TextDecoder()
  for await (const piece of response.body) {
    rest += words.decode(piece, { stream: true })
    const events = rest.split('\n\n')
    rest = events.pop()
    for (const event of events) {
      const data = event.replace(/^data: /, '')
      if (data === '[DONE]') continue
      const part = JSON.parse(data)
      if (part.error) throw new Error(JSON.stringify(part.error))
      text += part.choices[0]?.delta.content ?? ''
    }
  }
  return text
}

async function answer(ask) {
  const messages = [{ role: 'user', content: ask.prompt }]
  if (ask.mode === 'stream') return streamed(ask, messages)
  if (ask.mode !== 'tools') return (await message(ask, messages)).content
  const called = await message(ask, messages, [TOOL])
  const call = called.tool_calls[0]
  const content = `${JSON.parse(call.function.arguments).word} was looked up`
  messages.push(called, { role: 'tool', tool_call_id: call.id, content })
  return (await message(ask, messages, [TOOL])).content
}

for await (const line of createInterface({ input: process.stdin })) {
  let told
  try {
    told = { ok: true, text: await answer(JSON.parse(line)), error: '', message: '' }
  } catch (error) {
    const cause = error.cause ? `: ${error.cause}` : ''
    told = { ok: false, text: '', error: error.name, message: `${error.message}${cause}` }
  }
  console.log(JSON.stringify(told))
}
