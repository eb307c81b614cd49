using CsCheck;
using Postern.Core.Allowlist;

namespace Postern.Tests.Allowlist;

public sealed class PackedRecordTests
{
    private static readonly Gen<uint> Time = Gen.OneOf(Gen.Const(0u), Gen.Const(1u), Gen.UInt[1_800_000_000, 1_800_000_003], Gen.UInt);

    [Fact]
    public void Every_record_comes_back() =>
        Gen.Select(Time, Time, Time, Time, Time, static (a, b, c, d, e) => new TestExpiry(a, b, c, d, e)).Sample(record =>
        {
            Span<byte> bytes = stackalloc byte[PackedRecord.MaxLength];
            Assert.Equal(record, PackedRecord.Read(bytes[..PackedRecord.Write(record, bytes)]));
        });

    [Fact]
    public void Any_bytes_are_a_record_and_what_is_not_there_is_due() => Gen.Byte.Array[0, 30].Sample(static bytes => PackedRecord.Read(bytes));

    [Theory]
    [InlineData("", "1;1;1;1;1")]
    [InlineData("d5", "1;1;1;1;1")]
    [InlineData("d5400000", "1;1;1;1;1")]
    [InlineData("d5406b49d200", "1800000000;1;1;1;1")]
    [InlineData("0000", "0;0;0;0;0")]
    [InlineData("daa3", "1;1;1;1;1")]
    public void Known_forms(string hex, string text) => Assert.Equal(text, CacheRecord.Format(PackedRecord.Read(Convert.FromHexString(hex))));

    [Fact]
    public void Passes_of_one_moment_share_their_time()
    {
        Span<byte> bytes = stackalloc byte[PackedRecord.MaxLength];

        Assert.Equal(6, PackedRecord.Write(new TestExpiry(1_800_000_000, 1, 1, 1, 1), bytes));
        Assert.Equal(10, PackedRecord.Write(new TestExpiry(1_800_000_000, 0, 1_802_592_000, 1_802_592_000, 1_802_592_000), bytes));
    }
}
