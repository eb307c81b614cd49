namespace Postern.Core.Screening;

/// <summary>A set of screening tests, one bit a column: a parked client has four of these, so they are small.</summary>
public readonly record struct TestSet(byte Columns)
{
    /// <summary>Whether it has no test.</summary>
    public bool IsEmpty => Columns == 0;

    /// <summary>Whether the test is in it.</summary>
    public bool Has(ScreeningTest test) => (Columns & 1 << test.Column) != 0;

    /// <summary>The set with the test.</summary>
    public TestSet With(ScreeningTest test) => new((byte)(Columns | 1 << test.Column));

    /// <summary>The set without the test.</summary>
    public TestSet Without(ScreeningTest test) => new((byte)(Columns & ~(1 << test.Column)));
}
