using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Storage;

namespace Postern.Control;

/// <summary>The records in the memory of the running daemon.</summary>
/// <param name="client">Reaches it.</param>
/// <param name="map">As configured.</param>
internal sealed class RunningRecords(ControlClient client, string map) : IAllowlistRecords
{
    /// <inheritdoc />
    public string? ReadAll(Action<IpAddress, TestExpiry> take) => Ask(["all"], [], take);

    /// <inheritdoc />
    public string? Find(IpAddress client, out TestExpiry? record)
    {
        TestExpiry? found = null;
        var problem = Ask(["find", client.ToString()], [], (_, answer) => found = answer);
        record = found;
        return problem;
    }

    /// <inheritdoc />
    public string? Forget(IpAddress address, out bool wasKnown)
    {
        var known = false;
        var problem = client.Ask(["allowlist", map, "forget", address.ToString()], [], _ => known = true);
        wasKnown = known;
        return problem;
    }

    /// <inheritdoc />
    public string? Add(IReadOnlyList<KeyValuePair<IpAddress, TestExpiry>> records) =>
        Ask(["add"], records.Select(static entry => RecordText.Line(entry.Key, entry.Value)), static (_, _) => { });

    public void Dispose()
    {
    }

    private string? Ask(IEnumerable<string> words, IEnumerable<string> body, Action<IpAddress, TestExpiry> take) =>
        client.Ask(["allowlist", map, .. words], body, line =>
        {
            if (RecordText.TryParse(line, out var entry))
                take(entry.Key, entry.Value);
        });
}
