using System.Globalization;
using System.Text;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Control;

/// <summary>What was decided about a client or a network.</summary>
/// <param name="Network">Such as <c>192.0.2.7</c> or <c>192.0.2.0/24</c>.</param>
/// <param name="IsAllowed">permit, else reject.</param>
/// <param name="When">ISO 8601 UTC; null: nobody wrote it down.</param>
/// <param name="Who">Null: nobody wrote it down.</param>
internal sealed record AccessEntry(string Network, bool IsAllowed, string? When, string? Who);

/// <summary>
/// <c>postern_http_access_file</c>: a cidr table with two lines an entry, <c># TIME NAME</c> and <c>NETWORK permit</c> or
/// <c>reject</c>. The newest entry comes first, since in a cidr table the first that fits decides. Other lines are the
/// administrator's, and stay.
/// </summary>
/// <param name="path">Need not exist.</param>
internal sealed class AccessFile(string path)
{
    private const int MostBytes = 1 << 20;
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";
    private const string NoEntries = "# no entries"; // an empty file could be one that was cut short

    /// <summary>Where it is.</summary>
    public string Path { get; } = path;

    /// <summary>Its entries, in its order.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Not by us.</exception>
    public IReadOnlyList<AccessEntry> Read()
    {
        var entries = new List<AccessEntry>();
        var stamp = "";
        foreach (var line in ReadLines(out _))
        {
            if (EntryOf(line) is var (network, isAllowed))
            {
                var made = StampOf(stamp);
                entries.Add(new AccessEntry(TextOf(network), isAllowed, made?.When, made?.Who));
            }

            stamp = line;
        }

        return entries;
    }

    /// <summary>Puts an entry in, in place of the one about the same network.</summary>
    /// <param name="isAllowed">Null: there is to be none.</param>
    /// <param name="who">A name without blanks.</param>
    /// <param name="former">What the file held until now, for <see cref="Restore"/>; null: there was none.</param>
    /// <returns>False: nothing had to change.</returns>
    /// <inheritdoc cref="Read" path="/exception" />
    public bool Set(IpNetwork network, bool? isAllowed, string who, DateTimeOffset now, out byte[]? former)
    {
        var before = ReadLines(out former);
        var lines = new List<string>(before.Count + 2);
        foreach (var line in before)
        {
            if (EntryOf(line)?.Network != network)
                lines.Add(line);
            else if (lines.Count > 0 && StampOf(lines[^1]) is not null)
                lines.RemoveAt(lines.Count - 1);
        }

        if (isAllowed is null && lines.Count == before.Count)
            return false;
        if (isAllowed is { } allow)
            lines.InsertRange(0, [$"# {now.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)} {who}", $"{TextOf(network)} {(allow ? "permit" : "reject")}"]);
        var text = lines.Count > 0 ? string.Join('\n', lines) + "\n" : NoEntries + "\n";
        if (text.Length > MostBytes)
            throw new IOException($"{Path} is full: write networks in place of single addresses");
        WholeFile.Write(Path, Encoding.Latin1.GetBytes(text));
        return true;
    }

    /// <summary>Takes a change back.</summary>
    /// <param name="former">What <see cref="Set"/> said.</param>
    /// <inheritdoc cref="Read" path="/exception" />
    public void Restore(byte[]? former)
    {
        if (former is null)
            File.Delete(Path);
        else
            WholeFile.Write(Path, former);
    }

    /// <summary>As the file has it: without a length where it is one address.</summary>
    public static string TextOf(IpNetwork network)
    {
        var address = network.Address.IsIPv4 && !network.IsIPv4 ? $"::ffff:{network.Address}" : network.Address.ToString();
        return network.Length == (network.IsIPv4 ? 32 : 128) ? address : $"{address}/{network.Length}";
    }

    /// <param name="content">The bytes of the file; null: there is none.</param>
    private List<string> ReadLines(out byte[]? content)
    {
        content = null;
        if (!File.Exists(Path))
            return [];
        using var file = SafeFile.Read(Path);
        if (file.Length > MostBytes)
            throw new IOException($"{Path} is larger than {MostBytes} bytes");
        content = new byte[file.Length];
        file.ReadExactly(content);
        var text = new StringReader(Encoding.Latin1.GetString(content));
        var lines = new List<string>();
        while (text.ReadLine() is { } line)
            lines.Add(line);
        return lines;
    }

    private static (IpNetwork Network, bool IsAllowed)? EntryOf(string line) =>
        line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is [var pattern, var word] && word.ToLowerInvariant() is "permit" or "reject"
            && IpNetwork.TryParse(pattern, out var network, out _)
            ? (network, word.Equals("permit", StringComparison.OrdinalIgnoreCase)) : null;

    private static (string When, string Who)? StampOf(string line) =>
        line.Split(' ') is ["#", var when, var who] && DateTime.TryParseExact(when, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? (when, who) : null;
}
