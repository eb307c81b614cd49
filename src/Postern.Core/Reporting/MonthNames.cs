using System.Collections.Frozen;
using System.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// The names of the months in every language that glibc has, abbreviated and in full: journalctl writes them as the locale
/// of whoever ran it has them. month-names.py makes the table of glibc's locales.
/// </summary>
internal static class MonthNames
{
    /// <summary>A longer name is none, in bytes.</summary>
    public const int MaxLength = 64;

    private const string Table = "MonthNames.txt";

    private static readonly FrozenDictionary<ulong, ushort> Months = Read();

    /// <summary>The months that some language calls by this name.</summary>
    /// <param name="name">UTF-8.</param>
    /// <returns>A bit a month, January lowest; more than one where languages disagree: <c>lis</c> is October in Croatian and November in Polish.</returns>
    public static ushort Find(ReadOnlySpan<byte> name) => name.Length <= MaxLength ? Months.GetValueOrDefault(Fingerprint.Of(name)) : (ushort)0;

    private static FrozenDictionary<ulong, ushort> Read()
    {
        using var table = new StreamReader(typeof(MonthNames).Assembly.GetManifestResourceStream(Table)!, Encoding.UTF8);
        var months = new Dictionary<ulong, ushort>();
        for (var month = 0; table.ReadLine() is { } line; month++)
        {
            foreach (var name in line.Split('\t'))
            {
                var key = Fingerprint.Of(Encoding.UTF8.GetBytes(name));
                months[key] = (ushort)(months.GetValueOrDefault(key) | 1 << month);
            }
        }

        return months.ToFrozenDictionary();
    }
}
