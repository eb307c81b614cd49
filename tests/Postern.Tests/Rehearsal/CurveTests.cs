using Postern.Core.Rehearsal;

namespace Postern.Tests.Rehearsal;

public sealed class CurveTests
{
    [Theory]
    [InlineData("3:0.85 10:0.6", 0, 1)]
    [InlineData("3:0.85 10:0.6", 3, 0.85)]
    [InlineData("3:0.85 10:0.6", 6.5, 0.725)]
    [InlineData("3:0.85 10:0.6", 100, 0.6)]
    [InlineData("0.3:0.7 3:0.9 20:1", 0, 0)]
    [InlineData("0.3:0.7 3:0.9 20:1", 0.15, 0.35)]
    [InlineData("5:1", 2.5, 0.5)]
    public void Between_its_points_it_is_straight(string text, double time, double share) => Assert.Equal(share, Of(text).At(time), 1e-9);

    [Theory]
    [InlineData("3:0.85 10:0.6 65:0.35 125:0.03 180:0")]
    [InlineData("1:0.60 2:0.77 3:0.844 4:0.885 10:0.965 20:1")]
    public void Where_is_the_inverse_of_at(string text)
    {
        var curve = Of(text);

        for (var share = 0.01; share < 1; share += 0.01)
            Assert.Equal(share, curve.At(curve.Where(share)), 1e-9);
    }

    [Fact]
    public void A_share_that_is_not_reached_is_at_the_last_point() => Assert.Equal(10, Of("3:0.85 10:0.6").Where(0.1));

    [Theory]
    [InlineData("", "write 1 to 100 points such as 3:0.85 10:0.6")]
    [InlineData("3", "\"3\" is no point: write TIME:SHARE with a share between 0 and 1, such as 10:0.6")]
    [InlineData("3:1.5", "\"3:1.5\" is no point: write TIME:SHARE with a share between 0 and 1, such as 10:0.6")]
    [InlineData("-3:0.5", "\"-3:0.5\" is no point: write TIME:SHARE with a share between 0 and 1, such as 10:0.6")]
    [InlineData("3:0.5 2:0.6", "the times have to rise, and the shares to rise or to fall all along")]
    [InlineData("3:0.5 4:0.7 5:0.6", "the times have to rise, and the shares to rise or to fall all along")]
    public void What_is_no_curve_is_explained(string text, string problem)
    {
        Assert.False(Curve.TryParse(text, out _, out var said));
        Assert.Equal(problem, said);
    }

    private static Curve Of(string text) => Curve.TryParse(text, out var curve, out var problem) ? curve : throw new ArgumentException(problem);
}
