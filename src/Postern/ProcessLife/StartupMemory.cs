using System.Globalization;
using Postern.Native;

namespace Postern.ProcessLife;

/// <summary>
/// The kernel maps a program's pages by the dozen around each that is touched, so after the start nearly all of the binary
/// counts as ours. What is given back here comes again, from the page cache, where it is used.
/// </summary>
internal static class StartupMemory
{
    /// <summary>Unmaps the pages of the program and its libraries that cannot have been written to.</summary>
    /// <param name="maps">The text of /proc/self/smaps.</param>
    public static void GiveBack(IEnumerable<string> maps)
    {
        foreach (var (start, length) in Unwritten(maps).ToArray()) // first read all: reading needs pages, too
            _ = Libc.madvise(start, length, Libc.MADV_DONTNEED); // advice: nothing depends on it
    }

    /// <summary>Mappings of files, not writable, with no page that was written before they became so.</summary>
    public static IEnumerable<(nint Start, nuint Length)> Unwritten(IEnumerable<string> maps)
    {
        var (start, length) = (default(nint), default(nuint));
        foreach (var line in maps)
        {
            // 55d0c000-55d0e000 r-xp 0000e000 fe:01 1234   /usr/sbin/postern
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 5 && fields[0].IndexOf('-') is > 0 and var dash && fields[1].Length == 4)
            {
                (start, length) = (0, 0);
                if (fields.Length >= 6 && fields[5].StartsWith('/') && fields[1][0] == 'r' && fields[1][1] == '-'
                    && nint.TryParse(fields[0].AsSpan(0, dash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var from)
                    && nint.TryParse(fields[0].AsSpan(dash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var to))
                {
                    (start, length) = (from, (nuint)(to - from));
                }
            }
            else if (fields is ["Anonymous:" or "Private_Dirty:", not "0", ..])
            {
                length = 0;
            }
            else if (length > 0 && fields is ["Swap:", "0", ..]) // the last that matters: written pages may be there
            {
                yield return (start, length);
                length = 0;
            }
        }
    }
}
