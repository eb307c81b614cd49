using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Screening;

namespace Postern.Storage;

/// <summary>Records as lines, <c>192.0.2.1 1795574805;1;1;1;1</c>: as <c>postmap -s</c> prints those of postscreen, but for the tab.</summary>
internal static class RecordText
{
    public static string Line(IpAddress client, TestExpiry record) => $"{client} {CacheRecord.Format(record)}";

    /// <summary>Reads a line with blanks or a tab between its two words. The record has digits and semicolons, and nothing else.</summary>
    public static bool TryParse(string line, out KeyValuePair<IpAddress, TestExpiry> entry)
    {
        entry = default;
        var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 2 || !IpAddress.TryParse(words[0], out var client) || !words[1].All(static one => char.IsAsciiDigit(one) || one == ';'))
            return false;
        entry = new(client, CacheRecord.Parse(words[1]));
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
