// One visit by node-metaverse, told by its arguments; prints one line of JSON.
//
//   node session.mjs --login http://127.0.0.1:12080/TOKEN/ [--first Test] [--last User] [--password password]
//     [--http texture:UUID,sound:UUID,…]   assets by ViewerAsset, as the library fetches them
//     [--udp texture:UUID,sound:UUID,…]    the same by RequestImage and TransferRequest
//     [--teleport RigTwo,RigFar]           one region after the other; assets are fetched once more in each with --again
//     [--again] [--timeout 60]
//
// {"ok":true,"agent":"…","regions":["RigOne","RigTwo"],"http":{UUID:sha256},"udp":{UUID:sha256},"visits":[…],"errors":[]}
// "http" and "udp" are those of the last region that was fetched in; "visits" has all: [{"region":"RigOne","http":{},"udp":{}}].
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const nmv = require('@caspertech/node-metaverse');
const inside = (name) => require(`@caspertech/node-metaverse/dist/lib/${name}`);
const { RequestImageMessage } = inside('classes/messages/RequestImage');
const { Message } = inside('enums/Message');

const { values: asked } = parseArgs({
  options: {
    login: { type: 'string' },
    first: { type: 'string', default: 'Test' },
    last: { type: 'string', default: 'User' },
    password: { type: 'string', default: 'password' },
    http: { type: 'string', default: '' },
    udp: { type: 'string', default: '' },
    teleport: { type: 'string', default: '' },
    again: { type: 'boolean', default: false },
    timeout: { type: 'string', default: '60' },
  },
});
const types = { texture: 0, sound: 1, landmark: 3, clothing: 5, bodypart: 13, animation: 20, gesture: 21, mesh: 49 };
const report = { ok: false, agent: null, regions: [], http: {}, udp: {}, visits: [], errors: [] };
const list = (text) => text.split(',').filter((part) => part !== '');
const assets = (text) => list(text).map((part) => part.split(':')).map(([type, id]) => ({ type: types[type], id }));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const failed = (what) => (error) => { report.errors.push(`${what}: ${error?.message ?? error}`); };
const within = (seconds, what, promise) => new Promise((resolve, reject) => {
  const timer = setTimeout(() => reject(new Error(`${what} took more than ${seconds} s`)), seconds * 1000);
  promise.then(resolve, reject).finally(() => clearTimeout(timer));
});

// Standard output carries the report and nothing else; the library talks a lot.
const print = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

function say(code) {
  report.ok = code === 0 && report.errors.length === 0;
  print(`${JSON.stringify(report)}\n`, () => process.exit(report.ok ? 0 : 1));
}

const deadline = setTimeout(() => { failed('session')('timed out'); say(1); }, Number(asked.timeout) * 1000);

/** The whole texture by UDP: the library has no call for it, so its circuit is used directly. */
function image(bot, id) {
  const circuit = bot.currentRegion.circuit;
  return new Promise((resolve, reject) => {
    const parts = new Map();
    let size = -1;
    let packets = -1;
    const subscription = circuit.subscribeToMessages([Message.ImageData, Message.ImagePacket, Message.ImageNotInDatabase], ({ message }) => {
      if (message.ImageID.ID.toString() !== id) return;
      if (message.id === Message.ImageNotInDatabase) {
        subscription.unsubscribe();
        reject(new Error('not in database'));
        return;
      }
      if (message.id === Message.ImageData) {
        size = message.ImageID.Size;
        packets = message.ImageID.Packets;
        parts.set(0, message.ImageData.Data);
      } else {
        parts.set(message.ImageID.Packet, message.ImageData.Data);
      }
      if (parts.size !== packets) return;
      subscription.unsubscribe();
      const bytes = Buffer.concat([...parts.keys()].sort((a, b) => a - b).map((k) => parts.get(k)));
      if (bytes.length === size) resolve(bytes);
      else reject(new Error(`${bytes.length} bytes instead of ${size}`));
    });
    const request = new RequestImageMessage();
    request.AgentData = { AgentID: bot.agentID(), SessionID: circuit.sessionID };
    request.RequestImage = [{ Image: new nmv.UUID(id), DiscardLevel: 0, DownloadPriority: 1000000, Packet: 0, Type: 0 }];
    circuit.sendMessage(request, nmv.PacketFlags.Reliable);
  });
}

/** Any other asset by UDP transfer. */
function transfer(bot, type, id) {
  const parameters = Buffer.alloc(20);
  new nmv.UUID(id).writeToBuffer(parameters, 0);
  parameters.writeInt32LE(type, 16);
  return bot.clientCommands.asset.transfer(2, 2, false, parameters);
}

async function fetchAll(bot) {
  report.http = {};
  report.udp = {};
  report.visits.push({ region: bot.currentRegion.regionName, http: report.http, udp: report.udp });
  await Promise.all(assets(asked.http).map(({ type, id }) =>
    within(20, `http ${id}`, bot.clientCommands.asset.downloadAsset(type, id))
      .then((bytes) => { report.http[id] = sha256(bytes); }).catch(failed(`http ${id}`))));
  for (const { type, id } of assets(asked.udp)) {
    await within(20, `udp ${id}`, type === 0 ? image(bot, id) : transfer(bot, type, id))
      .then((bytes) => { report.udp[id] = sha256(bytes); }).catch(failed(`udp ${id}`));
  }
}

try {
  const parameters = new nmv.LoginParameters();
  Object.assign(parameters, {
    firstName: asked.first, lastName: asked.last, password: asked.password, start: 'last', url: asked.login,
  });
  const bot = new nmv.Bot(parameters, nmv.BotOptionFlags.None);
  await within(20, 'login', bot.login());
  await within(30, 'connect', bot.connectToSim());
  await within(10, 'event queue', bot.waitForEventQueue(10000));
  await within(20, 'handshake', arrived(bot));
  report.agent = bot.agentID().toString();
  report.regions.push(bot.currentRegion.regionName);
  await fetchAll(bot);
  for (const name of list(asked.teleport)) {
    const at = new nmv.Vector3([128, 128, 30]);
    await within(30, `teleport to ${name}`, bot.clientCommands.teleport.teleportTo(name, at, at));
    await within(20, `handshake with ${name}`, arrived(bot));
    report.regions.push(bot.currentRegion.regionName);
    if (asked.again) await fetchAll(bot);
  }
  await within(10, 'logout', bot.close());
  clearTimeout(deadline);
  say(0);
} catch (error) {
  failed('session')(error);
  say(1);
}

/** Resolves when the region's handshake, environment included, is through. */
async function arrived(bot) {
  while (!bot.currentRegion.handshakeComplete) await new Promise((resolve) => { setTimeout(resolve, 20); });
}
