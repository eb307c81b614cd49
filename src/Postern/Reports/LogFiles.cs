using Postern.Native;

namespace Postern.Reports;

/// <summary>Finds and reads log files, those included that logrotate has put aside.</summary>
internal static class LogFiles
{
    /// <summary>A log and what logrotate made of it: <c>path.2.gz</c>, <c>path.1</c>, <c>path-20261124</c>, in no order.</summary>
    public static IReadOnlyList<string> WithRotated(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
            return [path];
        var name = Path.GetFileName(path);
        var rotated = Directory.EnumerateFiles(folder).Where(file => IsRotated(Path.GetFileName(file), name)).Order(StringComparer.Ordinal).ToList();
        return File.Exists(path) || rotated.Count == 0 ? [.. rotated, path] : rotated;
    }

    /// <summary>Reads all lines of some files, one file after the other.</summary>
    /// <param name="paths">Plain or gzip; <c>-</c>: standard input.</param>
    /// <param name="take">Takes the lines.</param>
    /// <param name="complain">Told what is wrong with a file; the others are read all the same.</param>
    /// <param name="areNamed">Whether somebody has named them, who may also name a pipe; else they were found, in a folder that may be another's.</param>
    /// <returns>False: something was wrong.</returns>
    public static bool Read(IReadOnlyList<string> paths, LineTaker take, Action<string> complain, bool areNamed)
    {
        var areWell = true;
        foreach (var path in paths)
        {
            if (Read(path, take, areNamed) is not { } problem)
                continue;
            complain($"{path}: {problem}");
            areWell = false;
        }

        return areWell;
    }

    /// <returns>What is wrong with the file; null: nothing.</returns>
    private static string? Read(string path, LineTaker take, bool isNamed)
    {
        try
        {
            return LogInput.Read(Open(path, isNamed), take);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            return Errno.ReasonOf(reason);
        }
    }

    /// <summary>Opens a log.</summary>
    /// <param name="path">Plain or gzip; <c>-</c>: standard input.</param>
    /// <param name="isNamed">Whether somebody has named it, who may also name a pipe.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Not by us.</exception>
    public static Stream Open(string path, bool isNamed)
    {
        if (Directory.Exists(path))
            throw new IOException("Is a directory");
        return path == "-" ? Console.OpenStandardInput()
            : !isNamed ? SafeFile.Read(Latin1.OfText(path))
            : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
    }

    private static bool IsRotated(string file, string name)
    {
        if (!file.StartsWith(name, StringComparison.Ordinal))
            return false;
        var rest = file.AsSpan(name.Length);
        if (rest.EndsWith(".gz"))
            rest = rest[..^3];
        return rest.Length > 1 && rest[0] is '.' or '-' && !rest[1..].ContainsAnyExceptInRange('0', '9');
    }
}
