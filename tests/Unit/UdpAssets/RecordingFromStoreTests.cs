using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Lludp;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.TestGrid;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>The recorded viewers' requests, answered from a store: what the viewer pieces together is the asset's file, and the sim hears nothing of it.</summary>
public sealed class RecordingFromStoreTests
{
    private static readonly (string Recording, int Images, int Transfers)[] s_recordings =
    [
        ("02-assets-http-udp-nmv", 3, 4), ("03-image-partial-cancel-nmv", 2, 0), ("05-loss-resends-nmv", 3, 4),
        ("06-image-not-in-database-nmv", 3, 4), ("08-udp-appended-acks-lmv", 3, 4),
    ];

    public static TheoryData<string, int, int, double> Replays
    {
        get
        {
            var data = new TheoryData<string, int, int, double>();
            foreach ((string recording, int images, int transfers) in s_recordings)
            {
                data.Add(recording, images, transfers, 0);
                data.Add(recording, images, transfers, 0.12);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Replays))]
    public void Recorded_requests_are_answered_with_the_files_bytes(string name, int images, int transfers, double loss)
    {
        var session = new ModelSession(new Random(name.GetHashCode(StringComparison.Ordinal)), new ModelSessionOptions
        {
            ViewerLink = new LinkQuality(Loss: loss),
            SimLink = new LinkQuality(Loss: loss),
            StandIn = name.StartsWith("06", StringComparison.Ordinal) ? null : new byte[160],
            BytesNeeded = (_, _) => int.MaxValue,
        });
        foreach (string file in Directory.GetFiles(Repository.Vector("assets")))
        {
            var id = Guid.Parse(Path.GetFileName(file));
            byte[] bytes = File.ReadAllBytes(file);
            session.Sim.Assets[id] = bytes;
            session.Store.Hold(TypeOf(bytes), bytes, ReadManner.Soon, id);
        }

        foreach (RecordedPacket packet in new Recording(name).Packets.Where(p => p.FromViewer && !p.Datagram.IsResent))
        {
            session.After((long)(packet.Time * 1000), () => Follow(session, packet.Datagram));
        }

        session.Run(13 * LludpManner.Second);
        bool complete = session.RunUntil(
            () => session.Viewer.Images.Fetches.Values.All(f => f.Done || f.Missing) && session.Viewer.Transfers.All.All(t => t.Outcome is not null),
            600 * LludpManner.Second);
        Assert.True(complete, session.State);
        Assert.Equal(images, session.Viewer.Images.Fetches.Values.Count(f => f.Whole && session.Sim.Assets.ContainsKey(f.Id)));
        Assert.Equal(transfers, session.Viewer.Transfers.All.Count(t => t.Outcome == 1));
        Assert.All(
            session.Viewer.Images.Fetches.Values.Where(f => session.Sim.Assets.ContainsKey(f.Id)),
            f => Assert.Equal(Repository.Asset($"{f.Id}"), f.Bytes()));
        Assert.All(session.Viewer.Transfers.All.Where(t => t.Outcome == 1), t => Assert.Equal(Repository.Asset($"{t.Asset}"), t.Bytes));
        if (session.Lost == 0)
        {
            Assert.DoesNotContain(session.Sim.Asked, a => a.Discard >= 0 && session.Sim.Assets.ContainsKey(a.Id));
            Assert.DoesNotContain(session.Sim.TransfersAsked, t => session.Sim.Assets.ContainsKey(t.Asset));
        }

        Assert.True(session.RunUntil(() => session.IsQuiet, 120 * LludpManner.Second), session.State);
    }

    private static AssetType TypeOf(byte[] bytes) => bytes[0] switch
    {
        0xFF => AssetType.Texture,
        (byte)'O' => AssetType.Sound,
        1 => AssetType.Animation,
        _ => AssetType.Mesh,
    };

    /// <summary>The viewer's model asks for what the recorded client asked for, from the packet it asked for.</summary>
    private static void Follow(ModelSession session, Datagram datagram)
    {
        var body = new BodyReader(datagram.Body);
        switch (datagram.Message)
        {
            case Message.TransferRequest:
                body.Skip(28);
                var parameters = new BodyReader(body.Var2());
                session.Viewer.Transfers.Want(parameters.Id(), parameters.S32());
                break;
            case Message.RequestImage:
                body.Skip(32);
                for (int n = body.U8(); n > 0; n--)
                {
                    Guid id = body.Id();
                    int discard = body.S8();
                    float priority = body.F32();
                    uint packet = body.U32();
                    body.U8();
                    if (discard == -1 && priority == 0)
                    {
                        session.Viewer.Images.Cancel(id, keep: true);
                        continue;
                    }

                    if (packet > 0)
                    {
                        session.Viewer.Images.Retire(id);
                    }

                    session.Viewer.Images.Want(session.Now, id, discard, priority);
                }

                break;
        }
    }
}
