using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>
/// What a file had of earlier passes. Of a file of Postfix's <c>postmap -s</c> tells it, one line <c>key TAB value</c> for each
/// entry: no .NET library reads Berkeley DB files, and postmap is where such a file is (ADR 2).
/// </summary>
internal sealed class PassesDump
{
    private const int MaxEntries = 4_000_000;
    private const int MaxLine = 1024;

    private IpAddress? _asked; // each line is a record of this client

    /// <summary>The clients.</summary>
    public List<KeyValuePair<IpAddress, TestExpiry>> Entries { get; } = [];

    /// <summary>Unix time of the end of postscreen's last full cleanup; null: never.</summary>
    public long? LastCleanup { get; private set; }

    /// <summary>Why there are no entries, or not all; null: all are here.</summary>
    public string? Problem { get; private set; }

    /// <summary>Runs postmap and waits for it.</summary>
    /// <param name="map">As postmap calls it.</param>
    /// <param name="client">The one that is asked for; null: all.</param>
    public static PassesDump OfPostmap(AllowlistOptions options, string map, IpAddress? client, TimeSpan timeLimit)
    {
        var dump = new PassesDump { _asked = client };
        string[] arguments = client is { } address ? ["-f", "-q", address.ToString(), map] : ["-s", map]; // -f: the key as it is
        var problem = Postmap.Run(options, arguments, [], output =>
        {
            dump.Read(output);
            return dump.Problem is null;
        }, timeLimit);
        dump.Problem ??= problem;
        return dump;
    }

    /// <summary>Reads an SQLite file of ours.</summary>
    public static PassesDump OfDatabase(string path, bool isFirstLayout, TimeSpan busyTimeout)
    {
        var dump = new PassesDump();
        dump.Problem = (isFirstLayout ? dump.ReadFirstLayout(path, busyTimeout) : dump.ReadDatabase(path, busyTimeout))?.Reason ?? dump.Problem;
        return dump;
    }

    /// <summary>Reads postmap's output to its end. Lines that are not a client's are passed over.</summary>
    internal void Read(Stream output)
    {
        var buffer = new byte[64 * 1024];
        var held = 0;
        while (output.Read(buffer, held, buffer.Length - held) is > 0 and var count)
        {
            held += count;
            var start = 0;
            while (buffer.AsSpan(start, held - start).IndexOf((byte)'\n') is >= 0 and var length)
            {
                ReadLine(buffer.AsSpan(start, length));
                start += length + 1;
            }

            // A line without an end that is longer than any of ours is forgotten; its tail is no client's line either.
            held = held - start > MaxLine ? 0 : held - start;
            buffer.AsSpan(start, held).CopyTo(buffer);
            if (Problem is not null)
                return;
        }
    }

    private StoreProblem? ReadFirstLayout(string path, TimeSpan busyTimeout)
    {
        using var file = new FirstLayoutMove(path, busyTimeout);
        var problem = file.ReadAll(Add);
        LastCleanup = file.LastCleanup;
        return problem;
    }

    private StoreProblem? ReadDatabase(string path, TimeSpan busyTimeout)
    {
        const int CacheSize = 256 << 10, PartSize = 10_000;
        var problem = AllowlistDatabase.Open(path, CacheSize, busyTimeout, out var database);
        using (database)
        {
            var facts = default(StoreFacts);
            problem ??= database!.ReadFacts(out facts);
            LastCleanup = facts.LastCleanup;
            problem ??= database!.ReadAll(PartSize, Add);
        }

        return problem;
    }

    private void ReadLine(ReadOnlySpan<byte> line)
    {
        if (_asked is { } client)
        {
            Entries.Add(new(client, CacheRecord.Parse(line)));
            return;
        }

        if (line.IndexOf((byte)'\t') is not (> 0 and var tab))
            return;
        Take(line[..tab], line[(tab + 1)..]);
    }

    private void Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (AllowlistRow.TryReadAddress(key, out var address))
        {
            Add(address, CacheRecord.Parse(value));
        }
        else if (AllowlistRow.TryReadTime(key, CacheRecord.LastCleanupKey, value, out var time))
        {
            LastCleanup = time;
        }
    }

    private void Add(IpAddress client, in TestExpiry record)
    {
        if (Entries.Count >= MaxEntries)
            Problem = $"more than {MaxEntries} entries";
        else
            Entries.Add(new(client, record));
    }
}
