using Postern.Core.Smtp;

namespace Postern.Tests.Smtp;

public sealed class EhloKeywordListTests
{
    [Theory]
    [InlineData("", EhloKeywords.None)]
    [InlineData("size, ETRN\tdsn", EhloKeywords.Size | EhloKeywords.Etrn | EhloKeywords.Dsn)]
    [InlineData("nonsense chunking", EhloKeywords.Chunking)]
    [InlineData("silent-discard,8BitMime", EhloKeywords.SilentDiscard | EhloKeywords.EightBitMime)]
    public void Keywords_are_known_in_any_letter_case_and_others_count_for_nothing(string text, EhloKeywords expected) =>
        Assert.Equal(expected, EhloKeywordList.Parse(text));
}
