using Postern.Native;

namespace Postern.Reports;

/// <summary>Takes a line, without its line end.</summary>
internal delegate void LineTaker(ReadOnlySpan<byte> line);

/// <summary>Reads logs, plain or gzip.</summary>
internal static class LogInput
{
    private const int ProgressStep = 1 << 15; // lines

    /// <summary>Reads all lines of a log.</summary>
    /// <param name="log">Read to its end; need not be seekable.</param>
    /// <param name="take">Takes the lines.</param>
    /// <param name="progress">Told now and then how many bytes of <paramref name="log"/> are done.</param>
    /// <returns>What is wrong with the log; what could be read of it has been counted. Null: nothing.</returns>
    public static string? Read(Stream log, LineTaker take, Action<long> progress)
    {
        try
        {
            using var lines = new LogLines(log);
            for (var untold = 1; lines.TryRead(out var line); untold++)
            {
                take(line);
                if (untold % ProgressStep == 0)
                    progress(lines.Count);
            }

            progress(lines.Count);
            return lines.Problem;
        }
        catch (IOException problem)
        {
            return Errno.ReasonOf(problem);
        }
    }
}
