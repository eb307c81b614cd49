using System.ComponentModel;
using System.Diagnostics;
using System.Text;
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
        try
        {
            using var configuration = PostmapConfiguration.For(options);
            var start = new ProcessStartInfo(options.PostmapPath!)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardErrorEncoding = Encoding.Latin1,
            };
            if (configuration.Path is { } directory)
            {
                start.ArgumentList.Add("-c");
                start.ArgumentList.Add(directory);
            }

            foreach (var argument in client is { } address ? (string[])["-f", "-q", address.ToString(), map] : ["-s", map]) // -f: the key as it is
                start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            dump.ReadFrom(process, timeLimit);
        }
        catch (Exception failure) when (failure is Win32Exception or IOException or UnauthorizedAccessException)
        {
            dump.Problem = $"cannot run {options.PostmapPath}: {failure.Message}";
        }

        return dump;
    }

    /// <summary>Reads an SQLite file of ours.</summary>
    public static PassesDump OfDatabase(string path, TimeSpan busyTimeout)
    {
        var dump = new PassesDump();
        var problem = AllowlistDatabase.Open(path, busyTimeout, out var database);
        using (database)
            dump.Problem = (problem ?? database?.ReadNew(dump.Take))?.Reason;
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

    private void ReadFrom(Process process, TimeSpan timeLimit)
    {
        var isLate = 0;
        using var alarm = new Timer(_ =>
        {
            Volatile.Write(ref isLate, 1);
            Kill(process);
        }, null, timeLimit, Timeout.InfiniteTimeSpan);
        var complaint = new StringBuilder();
        process.ErrorDataReceived += (_, line) => complaint.Append(complaint.Length < 500 ? line.Data : null);
        process.BeginErrorReadLine();
        Read(process.StandardOutput.BaseStream);
        if (Problem is not null)
            Kill(process);
        process.WaitForExit(); // also for the last of its complaints
        if (Volatile.Read(ref isLate) != 0)
            Problem = $"no end after {timeLimit.TotalSeconds:0} s";
        else if (process.ExitCode != 0)
            Problem ??= Printable(complaint.ToString());
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has just ended by itself.
        }
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
            if (Entries.Count >= MaxEntries)
                Problem = $"more than {MaxEntries} entries";
            else
                Entries.Add(new(address, CacheRecord.Parse(value)));
        }
        else if (AllowlistRow.TryReadTime(key, CacheRecord.LastCleanupKey, value, out var time))
        {
            LastCleanup = time;
        }
    }

    private static string Printable(string text)
    {
        var cut = text.AsSpan(0, Math.Min(text.Length, 200)).ToArray();
        for (var i = 0; i < cut.Length; i++)
        {
            if (cut[i] is < ' ' or > '~')
                cut[i] = '?';
        }

        return new string(cut);
    }
}
