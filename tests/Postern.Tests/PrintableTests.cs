using System.Text;
using CsCheck;
using Postern.Core;

namespace Postern.Tests;

public sealed class PrintableTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData(" plain ~ text ", " plain ~ text ")]
    [InlineData("a\tb\rc\nd\u001b[31me\u007f", "a?b?c?d?[31me?")]
    [InlineData("before\0after", "before")]
    [InlineData("\0", "")]
    [InlineData("\u0001\0\u0002", "?")]
    [InlineData("\u00c3\u00a9t\u00c3\u00a9", "\u00c3\u00a9t\u00c3\u00a9")] // two bytes
    [InlineData("\u00e2\u0082\u00ac", "\u00e2\u0082\u00ac")] // three
    [InlineData("\u00f0\u009f\u0093\u00a7", "\u00f0\u009f\u0093\u00a7")] // four
    [InlineData("\u00f4\u008f\u00bf\u00bf", "\u00f4\u008f\u00bf\u00bf")] // U+10FFFF
    [InlineData("\u00c2\u0080", "\u00c2\u0080")] // a control character, but not one of ASCII
    [InlineData("\u00ef\u00bf\u00bd", "\u00ef\u00bf\u00bd")] // U+FFFD as the sender's own
    [InlineData("\u00c0\u0080x", "??x")] // overlong
    [InlineData("\u00e0\u009f\u00bf", "???")]
    [InlineData("\u00f0\u0080\u0080\u0080", "????")]
    [InlineData("\u00ed\u00a0\u0080", "???")] // surrogate
    [InlineData("\u00f4\u0090\u0080\u0080", "????")] // beyond U+10FFFF
    [InlineData("\u00f5\u0080", "??")]
    [InlineData("\u00e2\u0082", "??")] // cut at the end
    [InlineData("\u00e2\u0082A", "??A")] // cut by a plain character
    [InlineData("\u00f1\u0080\u0080\u00c3\u00a9", "???\u00c3\u00a9")] // resynchronises at the next byte
    [InlineData("\u00c3\u00c3\u00a9", "?\u00c3\u00a9")]
    [InlineData("\u0080\u00bf", "??")] // continuation bytes alone
    [InlineData("\u00e2\0\u0082", "?")] // NUL ends the text within a character, too
    public void With_smtputf8_well_formed_characters_are_kept(string text, string expected) =>
        Assert.Equal(expected, Filter(text, keepUtf8: true));

    [Theory]
    [InlineData(" plain ~ text ", " plain ~ text ")]
    [InlineData("\u00c3\u00a9t\u00c3\u00a9", "??t??")]
    [InlineData("a\tb\u007f", "a?b?")]
    [InlineData("\u00e2\u0082\u00ac\0x", "???")]
    public void Without_smtputf8_only_ASCII_is_kept(string text, string expected) =>
        Assert.Equal(expected, Filter(text, keepUtf8: false));

    [Fact]
    public void No_bytes_at_all_give_a_control_byte_or_bad_UTF_8_and_a_second_pass_changes_nothing() =>
        Gen.Select(Gen.OneOf(Gen.Byte, Gen.Byte[0x80, 0xff], Gen.Byte[0x20, 0x7e]).Array[0, 60], Gen.Bool).Sample((bytes, keepUtf8) =>
        {
            var once = new byte[bytes.Length];
            var length = Printable.Copy(bytes, once, keepUtf8);
            var twice = new byte[length];
            var again = Printable.Copy(once.AsSpan(0, length), twice, keepUtf8);

            Assert.DoesNotContain(once[..length], each => each is < 0x20 or 0x7f);
            Assert.True(keepUtf8 ? System.Text.Unicode.Utf8.IsValid(once.AsSpan(0, length)) : Ascii.IsValid(once.AsSpan(0, length)));
            Assert.Equal(once[..length], twice[..again]);
        });

    private static string Filter(string text, bool keepUtf8)
    {
        var destination = new byte[text.Length];
        var length = Printable.Copy(Encoding.Latin1.GetBytes(text), destination, keepUtf8);
        return Encoding.Latin1.GetString(destination, 0, length);
    }
}
