using System.Runtime.CompilerServices;
using Postern.Core.Lanes;

namespace Postern.Tests.Lanes;

/// <summary>docs/slow-lanes.md names all that can be logged, and every sender that is exempt.</summary>
public sealed class SlowLanesPageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "docs", "slow-lanes.md"));

    [Fact]
    public void Every_event_has_a_row() => Assert.All(
        Enum.GetValues<LaneEvent>().Where(static what => what is not LaneEvent.Stopped),
        static what => Assert.Contains($"\n| `LANE {what.ToString().ToUpperInvariant()}` |", Page, StringComparison.Ordinal));

    [Fact]
    public void Every_big_sender_has_its_row_and_there_is_no_other()
    {
        var rows = BigSenders.All.Select(static row => $"| `{row.Domain}` | {row.Who} | `{row.Example}` | {row.Source} |");

        Assert.Contains("|---|---|---|---|\n" + string.Join('\n', rows) + "\n\n", Page, StringComparison.Ordinal);
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
