using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Storage;

namespace Postern.Control;

/// <summary>
/// What the control socket does with the temporary allowlists: <c>all</c>, <c>find ADDRESS</c>, <c>forget ADDRESS</c> and
/// <c>add</c>, with the map's name in front. Memory belongs to the loop, so it is asked there, in portions that keep no
/// client waiting.
/// </summary>
/// <param name="allowlists">By map; asked on the loop's thread.</param>
/// <param name="loop">Is asked.</param>
internal sealed class AllowlistCommands(Func<string, TemporaryAllowlist?> allowlists, LoopQuestions loop)
{
    private const int PartsAtATime = 8;
    private const int RecordsAtATime = 1000;

    /// <inheritdoc cref="ControlCommand" />
    public string? Answer(string[] words, IEnumerable<string> body, TextWriter answer)
    {
        if (words is not [var map, var verb, .. var arguments])
            return "what to do with which map?";
        if (loop.Ask(() => allowlists(map)) is not { } allowlist)
            return $"the daemon has no map {map}; does it need a reload?";
        switch (verb, arguments)
        {
            case ("all", []):
                WriteAll(allowlist, answer);
                return null;
            case ("find", [var text]) when IpAddress.TryParse(text, out var client):
                if (loop.Ask(() => allowlist.TryRecall(client, out var found) ? found : (TestExpiry?)null) is { } record)
                    answer.WriteLine(RecordText.Line(client, record));
                return null;
            case ("forget", [var text]) when IpAddress.TryParse(text, out var client):
                if (loop.Ask(() => allowlist.Forget(client)))
                    answer.WriteLine(client);
                return null;
            case ("add", []):
                return Add(allowlist, body);
            default:
                return $"no such request: {string.Join(' ', words)}";
        }
    }

    private void WriteAll(TemporaryAllowlist allowlist, TextWriter answer)
    {
        for (var part = 0; part < TemporaryAllowlist.PartCount; part += PartsAtATime)
        {
            var first = part;
            foreach (var (client, record) in loop.Ask(() => allowlist.CopyParts(first, PartsAtATime)))
                answer.WriteLine(RecordText.Line(client, record));
        }
    }

    private string? Add(TemporaryAllowlist allowlist, IEnumerable<string> body)
    {
        foreach (var lines in body.Chunk(RecordsAtATime))
        {
            var records = new List<KeyValuePair<IpAddress, TestExpiry>>(lines.Length);
            foreach (var line in lines)
            {
                if (!RecordText.TryParse(line, out var record))
                    return $"no record: {line}";
                records.Add(record);
            }

            loop.Ask(() =>
            {
                foreach (var (client, record) in records)
                    allowlist.Remember(client, allowlist.TryRecall(client, out var known) ? RecordText.Later(known, record) : record);
                return true;
            });
        }

        return null;
    }
}
