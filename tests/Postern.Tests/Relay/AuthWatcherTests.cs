using System.Text;
using CsCheck;
using Postern.Core.Relay;

namespace Postern.Tests.Relay;

public sealed class AuthWatcherTests
{
    private const string Talk =
        "334 VXNlcm5hbWU6\r\n535 5.7.8 Error: authentication failed\r\n250 2.0.0 535 bytes\r\n535-5.7.8 no\r\n535 5.7.8 really\n535\r\n5350 what\r\n535 half a line";

    [Fact]
    public void Refusals_are_seen_in_whatever_pieces_they_come() => Gen.Int[1, 30].Array.Sample(sizes =>
    {
        var refusals = new List<string>();
        var watcher = new AuthWatcher(refusals.Add);
        var bytes = Encoding.ASCII.GetBytes(Talk);
        for (var (at, piece) = (0, 0); at < bytes.Length; piece++)
        {
            var size = Math.Min(bytes.Length - at, piece < sizes.Length ? sizes[piece] : 7);
            watcher.See(bytes.AsSpan(at, size));
            at += size;
        }

        Assert.Equal(["535 5.7.8 Error: authentication failed", "535 5.7.8 really", "535"], refusals);
    });

    [Fact]
    public void An_endless_line_is_cut()
    {
        var refusals = new List<string>();
        var watcher = new AuthWatcher(refusals.Add);
        watcher.See("535 "u8);
        for (var i = 0; i < 1000; i++)
            watcher.See(new byte[1000]);
        watcher.See("\n"u8);

        Assert.Equal(200, Assert.Single(refusals).Length);
    }
}
