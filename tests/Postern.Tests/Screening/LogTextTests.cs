using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using Postern.Core;

namespace Postern.Tests.Screening;

public sealed class LogTextTests
{
    public static TheoryData<string, int, int, string> Elapsed()
    {
        var data = new TheoryData<string, int, int, string>();
        using var vectors = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "format_time.json")));
        foreach (var row in vectors.RootElement.GetProperty("cases").EnumerateArray())
            data.Add(row.GetProperty("seconds").GetString()!, row.GetProperty("significant_digits").GetInt32(), row.GetProperty("max_decimals").GetInt32(), row.GetProperty("text").GetString()!);
        foreach (var row in vectors.RootElement.GetProperty("postscreen_default_cases").EnumerateArray())
            data.Add(row.GetProperty("seconds").GetString()!, 2, 2, row.GetProperty("text").GetString()!);
        return data;
    }

    [Theory]
    [MemberData(nameof(Elapsed))]
    public void Elapsed_time_is_rounded_as_postscreen_rounds_it(string seconds, int significantDigits, int decimals, string expected)
    {
        var line = new ByteBuffer();
        var micros = (long)Math.Round(decimal.Parse(seconds, CultureInfo.InvariantCulture) * 1_000_000m);

        LogText.AppendElapsed(line, TimeSpan.FromMicroseconds(micros), significantDigits, decimals);

        Assert.Equal(expected, Encoding.ASCII.GetString(line.Written));
    }

    [Fact]
    public void A_clock_that_goes_back_counts_as_no_time()
    {
        var line = new ByteBuffer();

        LogText.AppendElapsed(line, TimeSpan.FromSeconds(-5), 2, 2);

        Assert.Equal("0", Encoding.ASCII.GetString(line.Written));
    }

    [Fact]
    public void Client_bytes_are_escaped_as_C_does()
    {
        var line = new ByteBuffer();

        LogText.AppendEscaped(line, "EHLO \u0001\\\r\n\t\a\b\f\v\0é"u8);

        Assert.Equal(@"EHLO \001\\\r\n\t\a\b\f\v\000\303\251", Encoding.ASCII.GetString(line.Written));
    }

    [Fact]
    public void A_pregreet_line_shows_at_most_100_characters()
    {
        var line = new ByteBuffer();

        LogText.Pregreet(line, Encoding.ASCII.GetBytes(new string('\r', 300)), TimeSpan.FromSeconds(1.26), 2, Ip.Of("2001:db8::2"), 1234);

        Assert.Equal("PREGREET 300 after 1.3 from [2001:db8::2]:1234: " + string.Concat(Enumerable.Repeat("\\r", 50)), Encoding.ASCII.GetString(line.Written));
    }

    [Fact]
    public void Escaped_text_is_printable_whatever_the_client_sends() => Gen.Byte.Array[0, 300].Sample(bytes =>
    {
        var line = new ByteBuffer();

        LogText.AppendEscaped(line, bytes);

        Assert.False(line.Written.ContainsAnyExceptInRange((byte)' ', (byte)'~'));
    });

    [Theory]
    [InlineData("h\u00e9llo", false, "h??llo")]
    [InlineData("h\u00e9llo", true, "h\u00e9llo")]
    [InlineData("a\u0007b", true, "a?b")]
    [InlineData("a\0b", true, "a")]
    public void A_verb_keeps_only_what_can_be_printed(string verb, bool utf8, string expected)
    {
        var line = new ByteBuffer();

        LogText.AppendPrintable(line, Encoding.UTF8.GetBytes(verb), utf8);

        Assert.Equal(expected, Encoding.UTF8.GetString(line.Written));
    }
}
