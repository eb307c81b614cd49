using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class PosixExpressionTests
{
    [Theory]
    [InlineData("(a)\\1", true)]
    [InlineData("(a)b\\\\\\1", true)]
    [InlineData("(a)\\\\1", false)]
    [InlineData("[\\1]", false)]
    [InlineData("[]\\1]", false)]
    [InlineData("[[:digit:]\\1]", false)]
    [InlineData("[a]\\1", true)]
    [InlineData("\\0\\(1", false)]
    [InlineData("a\\", false)]
    public void A_back_reference_is_found(string expression, bool hasOne)
    {
        PosixExpression.Measure(expression, isExtended: true, out var found);

        Assert.Equal(hasOne, found);
    }

    [Theory]
    [InlineData("abc", true, 3)]
    [InlineData("[a-z]+\\.(x|y)*", true, 5)]
    [InlineData("a{5}", true, 5)]
    [InlineData("a{2,5}b", true, 6)]
    [InlineData("(ab{3}){4}", true, 16)]
    [InlineData("(ab{3}){4}", false, 10)]
    [InlineData("\\(ab\\{3\\}\\)\\{4\\}", false, 16)]
    [InlineData("((a{100}){100}){100}", true, 1_000_000)]
    [InlineData("((((((((a{8192}){8192}){8192}){8192}){8192}){8192}){8192}){8192})", true, 1L << 40)]
    public void Repetitions_with_a_count_are_written_out(string expression, bool isExtended, long size) =>
        Assert.Equal(size, PosixExpression.Measure(expression, isExtended, out _));
}
