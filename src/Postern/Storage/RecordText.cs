using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Screening;

namespace Postern.Storage;

/// <summary>Records as lines, <c>192.0.2.1 1795574805;1;1;1;1</c>: as <c>postmap -s</c> prints those of postscreen, but for the tab.</summary>
internal static class RecordText
{
    private const string Blanks = " \t";

    private const int LongestRecord = 1024;

    public static string Line(IpAddress client, TestExpiry record) => $"{client} {CacheRecord.Format(record)}";

    /// <summary>Reads a line with blanks or a tab between its two words. The record has digits and semicolons, and nothing else.</summary>
    public static bool TryParse(ReadOnlySpan<char> line, out KeyValuePair<IpAddress, TestExpiry> entry)
    {
        entry = default;
        line = line.Trim(Blanks);
        var end = line.IndexOfAny(Blanks);
        if (end < 0 || !IpAddress.TryParse(line[..end], out var client))
            return false;
        var record = line[end..].TrimStart(Blanks);
        if (record.Length > LongestRecord || record.ContainsAnyExcept("0123456789;"))
            return false;
        Span<byte> bytes = stackalloc byte[record.Length];
        entry = new(client, CacheRecord.Parse(bytes[..Encoding.Latin1.GetBytes(record, bytes)]));
        return true;
    }

    /// <summary>Of two records each test's later time.</summary>
    public static TestExpiry Later(TestExpiry one, TestExpiry other)
    {
        foreach (var test in ScreeningTest.All)
            one = test.WithExpiry(one, Math.Max(test.ExpiryIn(one), test.ExpiryIn(other)));
        return one;
    }
}
