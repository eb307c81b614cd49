using System.IO.Compression;
using Postern.Native;

namespace Postern.Reports;

/// <summary>Takes a line, without its line end.</summary>
internal delegate void LineTaker(ReadOnlySpan<byte> line);

/// <summary>Reads logs, plain or gzip.</summary>
internal static class LogInput
{
    private const int BufferLength = 1 << 20;
    private const int ProgressStep = 1 << 22; // bytes
    private const int FirstMagic = 0x1f, SecondMagic = 0x8b; // RFC 1952 §2.3.1

    // The runtime takes compressed data without an end for complete, unless it is told not to.
    static LogInput() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    /// <summary>Reads all lines of a log.</summary>
    /// <param name="log">Read to its end; need not be seekable.</param>
    /// <param name="take">Takes the lines.</param>
    /// <param name="progress">Told now and then how many bytes of <paramref name="log"/> are done.</param>
    /// <returns>What is wrong with the log; what could be read of it has been counted. Null: nothing.</returns>
    public static string? Read(Stream log, LineTaker take, Action<long> progress)
    {
        using var counted = new CountingStream(log);
        try
        {
            var isCompressed = counted.Peek(2) is [FirstMagic, SecondMagic];
            using Stream text = isCompressed ? new GZipStream(counted, CompressionMode.Decompress, leaveOpen: true) : counted;
            ReadLines(text, take, () => progress(counted.Count));
            return null;
        }
        catch (InvalidDataException)
        {
            return "the compressed data is damaged or cut off";
        }
        catch (IOException problem)
        {
            return Errno.ReasonOf(problem);
        }
    }

    // A line that does not fit into the buffer is no line of ours: it is counted as one, by its beginning.
    private static void ReadLines(Stream text, LineTaker take, Action progress)
    {
        var buffer = new byte[BufferLength];
        var (filled, isTail, untold) = (0, false, 0);
        while (text.Read(buffer, filled, buffer.Length - filled) is > 0 and var read)
        {
            filled += read;
            untold += read;
            var start = 0;
            while (buffer.AsSpan(start, filled - start).IndexOf((byte)'\n') is >= 0 and var end)
            {
                if (!isTail)
                    take(buffer.AsSpan(start, end).TrimEnd((byte)'\r'));
                isTail = false;
                start += end + 1;
            }

            filled -= start;
            buffer.AsSpan(start, filled).CopyTo(buffer);
            if (filled == buffer.Length)
            {
                if (!isTail)
                    take(buffer);
                (filled, isTail) = (0, true);
            }

            if (untold >= ProgressStep)
            {
                progress();
                untold = 0;
            }
        }

        if (filled > 0 && !isTail)
            take(buffer.AsSpan(0, filled));
        progress();
    }
}
