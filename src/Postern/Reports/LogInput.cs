using Postern.Native;

namespace Postern.Reports;

/// <summary>Takes a line, without its line end.</summary>
internal delegate void LineTaker(ReadOnlySpan<byte> line);

/// <summary>Reads logs, plain or gzip.</summary>
internal static class LogInput
{
    /// <summary>Reads all lines of a log.</summary>
    /// <param name="log">Read to its end; need not be seekable.</param>
    /// <param name="take">Takes the lines.</param>
    /// <returns>What is wrong with the log; what could be read of it has been counted. Null: nothing.</returns>
    public static string? Read(Stream log, LineTaker take)
    {
        try
        {
            using var lines = new LogLines(log);
            while (lines.TryRead(out var line))
                take(line);
            return lines.Problem;
        }
        catch (IOException problem)
        {
            return Errno.ReasonOf(problem);
        }
    }
}
