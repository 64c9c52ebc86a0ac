using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Lludp;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.UdpAssets;

namespace GlobalCache.Tests.Resumption;

/// <summary>
/// A circuit whose proxy is killed at any moment goes on. The models at both ends fail a test by themselves when a number comes twice with other
/// content, or without RESENT, or an ack for what was never sent (<see cref="LludpEnd"/>).
/// </summary>
public sealed class KilledCircuitTests(ITestOutputHelper output)
{
    private const int Sessions = 60;

    [Fact]
    public void Killed_at_any_moment_it_loses_no_reliable_packet_and_brings_none_twice()
    {
        int kills = 0, images = 0;
        long injected = 0, unknown = 0;
        for (int seed = 1; seed <= Sessions; seed++)
        {
            try
            {
                ModelSession session = Play(seed);
                kills += session.Kills;
                injected += session.Pictures.Count(p => !p.FromSim);
                unknown += session.Circuit.Counters.UnknownAcks;
                images += session.Viewer.Images.Finished.Count;
            }
            catch (Exception e) when (e is Xunit.Sdk.XunitException)
            {
                Assert.Fail($"session {seed}: {e.Message}");
            }
        }

        output.WriteLine($"{Sessions} sessions, {kills} kills, {images} images, {injected} packets injected, {unknown} unknown acks");
        Assert.True(kills > Sessions && injected > 1000);
        Assert.Equal(0, unknown);
    }

    private static ModelSession Play(int seed)
    {
        var random = new Random(seed);
        bool rough = random.Next(2) == 0;
        LinkQuality Link() => rough
            ? new LinkQuality(random.NextDouble() * 0.05, 0, random.NextDouble() * 0.1, random.Next(50, 20_000), random.Next(1000, 40_000)) : LinkQuality.Clean;
        var session = new ModelSession(random, new ModelSessionOptions
        {
            ViewerLink = Link(),
            SimLink = Link(),
            ViewerFirst = random.Next(3) == 0 ? 0x1000000u - (uint)random.Next(2, 150) : 1,
            SimFirst = random.Next(3) switch { 0 => 0x1000000u - (uint)random.Next(2, 200), 1 => 0x1000000u + (uint)random.Next(1000), _ => 1 },
            Outlives = true,
        });
        var said = new Dictionary<string, int>();
        session.Sim.Took = d => Heard(said, d, Message.AgentUpdate);
        session.Viewer.Took = d => Heard(said, d, Message.CoarseLocationUpdate);
        int expected = 0;
        for (int n = 0; n < 300; n++)
        {
            byte[] body = new byte[random.Next(20, 200)];
            random.NextBytes(body);
            long at = random.NextInt64(1000, 20_000) * LludpManner.Millisecond;
            expected++;
            if (n % 2 == 0)
            {
                session.After(at, () => session.Sim.Chat(session.Now, body, reliable: true));
            }
            else
            {
                // As long as it takes: the viewer's own patience is shorter than some of these networks are bad.
                session.After(at, () => session.Viewer.End.Send(session.Now, new BodyWriter(Message.AgentUpdate).Raw(body), reliable: true, forEver: true));
            }
        }

        for (int n = random.Next(1, 8); n > 0; n--)
        {
            byte[] bytes = SyntheticAssets.Texture(n, random.Next(700, 30_000), 8, 8);
            Guid id = session.Store.Hold(AssetType.Texture, bytes, ReadManner.AtOnce);
            session.Sim.Assets[id] = bytes;
            session.After(random.NextInt64(1000, 20_000) * LludpManner.Millisecond, () => session.Viewer.Images.Want(session.Now, id, 0, 1000));
        }

        for (int n = random.Next(2, 5); n > 0; n--)
        {
            session.Run(random.NextInt64(10, 6000) * LludpManner.Millisecond);
            session.Kill(random.NextInt64(1, 8000) * LludpManner.Millisecond);
        }

        bool all = session.RunUntil(() => session.Now > 30 * LludpManner.Second && said.Count == expected && session.Viewer.End.Unacked == 0 && session.Sim.End.Unacked == 0, 600 * LludpManner.Second);
        Rules.Check(all, $"{expected - said.Count} of {expected} packets have not come; {session.State}");
        Rules.Check(said.Values.All(times => times == 1), "a packet was taken twice");
        Rules.Check(session.Viewer.End.Failed == 0, "the viewer gave a packet up");
        return session;
    }

    private static void Heard(Dictionary<string, int> said, Datagram datagram, Message message)
    {
        if (datagram.Message == message)
        {
            string body = Convert.ToHexString(datagram.Body);
            said[body] = said.GetValueOrDefault(body) + 1;
        }
    }
}
