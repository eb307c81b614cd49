using System.Text;
using Postern.Core.Allowlist;

namespace Postern.Fuzz.Targets;

/// <summary>Allowlist records: any text is read, and what is read survives being written and read again.</summary>
internal static class CacheRecordTarget
{
    public static readonly FuzzTarget Target = new(
        "cache-record", Run, MaxInput: 300, MaxAllocated: (16_384, 64),
        [";", "1", "0", "1795574805", "4294967295", "4294967296", "18446744073709551615", "18446744073709551616", "-", "+", " ", "\0", ";;", "9223372036854775808"]);

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_795_574_805);

    private static void Run(byte[] input)
    {
        var record = CacheRecord.Parse(input);
        FuzzFailure.Unless(record == CacheRecord.Parse(Encoding.Latin1.GetString(input)), "bytes and characters mean the same");

        Span<byte> written = stackalloc byte[CacheRecord.MaxLength];
        var length = CacheRecord.Format(record, written);
        FuzzFailure.Unless(length <= CacheRecord.MaxLength, "a record has a longest form");
        FuzzFailure.Unless(CacheRecord.Parse(written[..length]) == record, $"{record} survives being written");
        FuzzFailure.Unless(CacheRecord.Format(record) == Encoding.Latin1.GetString(written[..length]), "both forms of Format agree");

        // Whoever is still good for an enabled test is kept by the cleanup.
        var enabled = new EnabledTests(input.Length % 2 == 0, input.Length % 3 == 0, true, input.Length % 5 == 0, true);
        var due = ExpiryRules.Due(record, enabled, Now);
        FuzzFailure.Unless(due.Any || ExpiryRules.SurvivesCleanup(record, enabled, Now, TimeSpan.Zero), "what is not due is kept");
        FuzzFailure.Unless(
            !ExpiryRules.SurvivesCleanup(record, enabled, Now, TimeSpan.Zero) || ExpiryRules.SurvivesCleanup(record, enabled, Now, TimeSpan.FromDays(7)),
            "a longer retention keeps more");
        var stored = ExpiryRules.ForRecord(record, enabled);
        FuzzFailure.Unless(CacheRecord.Parse(CacheRecord.Format(stored)) == stored, "what is stored is read again");
    }
}
